"""Apple Wallet: signed archives that devices fetch from us, and the pushes that send them here."""
