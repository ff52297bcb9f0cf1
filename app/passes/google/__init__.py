"""Google Wallet: objects we write through its API, and what Google tells us of them."""
