# the file holds real weights, and still knows its input
ptm optimize zoo:lstm_small -o l.ptm --quiet
ptm run l.ptm --expect "$E2E/zoo/lstm_small.npy"
ptm inspect l.ptm | grep "^made from"
