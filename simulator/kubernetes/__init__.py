"""The Kubernetes API of a site: what it serves, and the actors that play its controllers."""
