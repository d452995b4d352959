"""Drone navigation around an obstacle, Section 6.1 of the XMRL-G paper: kinematic and physical dynamics."""
