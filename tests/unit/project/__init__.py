"""The project's own files: packaging, lock, Makefile, contracts and deployment."""
