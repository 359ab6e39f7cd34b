"""The steps of this recipe. `steps` is the other recipe's: footage and pictures are the same."""
