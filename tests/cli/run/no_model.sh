ptm run
