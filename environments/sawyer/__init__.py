"""Meta-World's Sawyer arm: pushing a puck, opening a door, and pushing as a camera sees it."""
