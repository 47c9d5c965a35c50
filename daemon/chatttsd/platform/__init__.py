"""What the operating system offers: sd_notify, journald logging, XDG paths."""
