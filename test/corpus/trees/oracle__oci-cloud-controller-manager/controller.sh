#!/bin/sh
# Copyright: none.
echo controlling
