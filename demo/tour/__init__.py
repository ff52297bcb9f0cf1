"""The tour: the main job over HTTP, a chapter for everybody who has a part in it.

Every step says what is expected before it is done. Pictures are drawn as a phone would and
read back with a camera's decoder, so that a step holds only if the real thing works.
"""
