"""The fault matrix: whatever fails, every view equals brute force over the topic, and every message counts once."""
