"""A site's Ceph, bare metal or Rook: what its monitors and its manager say, while its hosts come and go."""
