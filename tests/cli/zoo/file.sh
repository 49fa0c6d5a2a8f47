# a file of such a name
cp "$FIX/conv.traced.pt" zoo:resnet18
ptm inspect ./zoo:resnet18 | head -n 1
