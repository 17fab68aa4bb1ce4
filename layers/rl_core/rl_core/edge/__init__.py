"""HTTP and CloudWatch: what the functions share at their edge."""
