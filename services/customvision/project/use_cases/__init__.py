"""What can be done, one file per noun: rules of the domain and the store, brought together in transactions."""
