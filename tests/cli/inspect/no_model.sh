ptm inspect
