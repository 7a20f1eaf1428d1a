"""One module a subcommand. Each imports what it needs when it runs, not before."""
