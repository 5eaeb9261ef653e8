"""What a test needs beside the clouds: faults, the ledger, dictated outcomes, the admin API."""
