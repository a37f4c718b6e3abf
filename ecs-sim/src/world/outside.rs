//! What is outside of ECS, and only tests change it.
