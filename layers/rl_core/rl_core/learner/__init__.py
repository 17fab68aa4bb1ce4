"""How a policy learns and draws. Pure: values in, values out."""
