"""Takes what webhooks deliver: the web server, the secrets, and the loop that processes what arrived."""
