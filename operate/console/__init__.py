"""The operator's console: a page on loopback that shows what the service believes, and puts things right."""
