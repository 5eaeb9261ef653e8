"""Sockets, TLS, HTTP and the dispatch of a request to the service that listens where it arrived."""
