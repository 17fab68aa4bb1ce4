"""What a session is and how it moves. Pure: values in, values out."""
