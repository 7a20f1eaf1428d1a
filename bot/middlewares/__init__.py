"""What is prepared for every update before a handler sees it."""
