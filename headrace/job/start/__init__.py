"""Where one submission begins, and with which options."""
