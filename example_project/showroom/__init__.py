"""The demo's furniture: looks, switches, the sign-in of a first visitor, the guided path."""
