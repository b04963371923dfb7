"""What people touch: the application, access, desks, the customer's pages, the command line."""
