"""What castproof can do, as plain functions; every program calls these."""
