ptm inspect zoo:squeezenet1_1
