"""The error zoo: for each error of `vaultpy.errors` a scenario that leads the installed command into it."""
