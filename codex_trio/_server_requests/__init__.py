"""Requests from the server (approvals, user input, elicitations), and the answers to them."""
