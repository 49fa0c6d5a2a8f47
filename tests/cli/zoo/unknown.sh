ptm run zoo:mobilnet_v2
