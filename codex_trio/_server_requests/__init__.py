"""What the server asks of a client: approvals, questions, elicitations, and the answers to them."""
