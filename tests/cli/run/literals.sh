L=$FIX/literals.pt
ptm run $L -m flag -i True
ptm run $L -m text -i "\"a, b\""
ptm run $L -m ints -i "[1, 2, 39]"
ptm run $L -m ints -i "[]"
ptm run $L -m maybe -i None
ptm run $L -m maybe -i -5
ptm run $L -m pair -i "(3, \"x\")"
ptm run $L -m table -i "{\"a\": 1, \"b\": 0.5}"
ptm run $L -m tensors -i "[[1.0], @ones:2, $FIX/short.npy]"
ptm run $L -m tensor -i "[[1, 2], [3, 4]]"
ptm run $L -m tensor -i 0.25
