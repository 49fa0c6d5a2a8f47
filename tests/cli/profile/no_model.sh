"$PTM" profile
