"""How requests and answers travel: messages, forms, errors, and the transport of `httpx`."""
