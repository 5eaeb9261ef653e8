"""What differs between a site profile and a site, and what of it can be known to be wrong beforehand."""
