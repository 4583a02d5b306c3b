"""What docker-compose.yml would run, run here: its accounts in the engine, its commands against real services."""
