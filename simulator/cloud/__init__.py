"""What a cloud is and does, without any HTTP: hosts, releases, deployments, strategies, alarms, time."""
