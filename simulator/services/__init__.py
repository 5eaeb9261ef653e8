"""The REST APIs of one cloud: each module turns a request into a change or a view of the cloud's state."""
