"""What the clients can do beyond single calls, each written once as steps."""
