ptm run zoo:resnet50
