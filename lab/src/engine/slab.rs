//! Things kept by number; the numbers of those taken out are used again.

/// Things under way, such as messages, by number.
#[derive(Clone, Debug)]
pub(super) struct Slab<T> {
    things: Vec<Option<T>>,
    free: Vec<u32>,
}

impl<T> Slab<T> {
    pub(super) fn put(&mut self, thing: T) -> u32 {
        match self.free.pop() {
            Some(number) => {
                self.things[number as usize] = Some(thing);
                number
            }
            None => {
                self.things.push(Some(thing));
                self.things.len() as u32 - 1
            }
        }
    }

    /// Takes out what [`Slab::put`] gave this number, once.
    pub(super) fn take(&mut self, number: u32) -> Option<T> {
        let thing = self.things.get_mut(number as usize)?.take();
        if thing.is_some() {
            self.free.push(number);
        }
        thing
    }
}

impl<T> Default for Slab<T> {
    fn default() -> Slab<T> {
        Slab { things: vec![], free: vec![] }
    }
}
