# its own input and any other; weights of another seed
ptm run zoo:lstm_small
ptm run zoo:lstm_small:7
ptm run zoo:shufflenet_v2 --input-shape 1,3,64,64
