"""The door for agents: outside programs that read, ask what if, and propose. They decide nothing (J4)."""
