"""The server side of the wall: what the whole room does, live, and a supervisor's acts."""
