"""What the bot does with each kind of update: read it, ask one service, say one thing. Nothing waits on the network."""
