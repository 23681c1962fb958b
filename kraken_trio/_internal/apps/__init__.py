"""Programs made of the public tiers alone: nothing here can do what a user could not."""
