"""What a Kubernetes API server does, asked of the simulated one and of real ones alike.

What is expected follows the API's documentation and what kube-apiserver 1.20.2 and 1.36.2 were seen to do.
"""
