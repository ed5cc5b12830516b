"""What people see of the fake PSP: its dashboard, and the pages where customers pay."""
