import { NavigationContainer, useNavigationContainerRef } from '@react-navigation/native';
import { createNativeStackNavigator } from '@react-navigation/native-stack';
import { trackScreens } from '@tidemark/react-native';
import { useRef, useState } from 'react';
import { Button, FlatList, Text, View } from 'react-native';
import { tidemark } from './tidemark.ts';

const TEAS = [
  { sku: 'TEA-01', name: 'Green tea, 100 g', price: 8.9 },
  { sku: 'TEA-02', name: 'Earl Grey, 100 g', price: 7.5 },
];
const Stack = createNativeStackNavigator();

export default function App() {
  const navigation = useNavigationContainerRef();
  const stopTracking = useRef<(() => void) | undefined>(undefined);
  return (
    <NavigationContainer
      ref={navigation}
      onReady={() => {
        stopTracking.current?.();
        stopTracking.current = trackScreens(tidemark, navigation);
      }}
    >
      <Stack.Navigator>
        <Stack.Screen name="Teas" component={Teas} />
      </Stack.Navigator>
    </NavigationContainer>
  );
}

function Teas() {
  const [asked, setAsked] = useState(false);
  // Until somebody answers, events wait in memory; `denied` forgets them.
  const answer = (analytics: boolean): void => {
    tidemark.consent({ analytics });
    setAsked(true);
  };
  return (
    <View style={{ flex: 1, padding: 16 }}>
      {!asked && (
        <View>
          <Text>May we count what you look at?</Text>
          <Button title="Yes" onPress={() => answer(true)} />
          <Button title="No" onPress={() => answer(false)} />
        </View>
      )}
      <FlatList
        data={TEAS}
        keyExtractor={({ sku }) => sku}
        renderItem={({ item }) => (
          <View>
            <Text onPress={() => tidemark.track('view_product', item)}>{item.name}</Text>
            <Button title={`Add, ${item.price.toFixed(2)}`} onPress={() => tidemark.track('add_to_cart', { ...item, quantity: 1 })} />
          </View>
        )}
      />
      <Button title="Log in" onPress={() => tidemark.identify('ada@example.com', { plan: 'free' })} />
      <Button title="Log out" onPress={() => tidemark.reset()} />
    </View>
  );
}
