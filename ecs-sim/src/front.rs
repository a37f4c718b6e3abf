//! The front door: what happens to a call between the caller and ECS, and to the answer on its way back.
