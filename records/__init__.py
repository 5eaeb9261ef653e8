"""What happened: outcomes, durations, evidence and marks in SQL, and the reports made from them."""
